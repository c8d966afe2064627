# shellcheck shell=bash
# System packages for ./run and ./test: what is there is left alone, what is missing is named and installed, nothing is asked.
# Sourced, not run. Package names are Debian's; the local speech engines are optional, a C compiler is not.

say() { printf '%s\n' "$*"; }
stop() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Each check uses the thing, so that a half-installed package counts as missing.
works_cc() { printf 'int main(void){return 0;}' | cc -x c -o /dev/null - >/dev/null 2>&1; }
works_flite() { flite -lv >/dev/null 2>&1; }
works_espeak() { espeak-ng --version >/dev/null 2>&1; }
works_sphinx() { { ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | grep -q 'libpocketsphinx\.so\.3'; }
works_model() { [ -s /usr/share/pocketsphinx/model/en-us/en-us/mdef ] && [ -s /usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict ]; }
works_certificates() { [ -s /etc/ssl/certs/ca-certificates.crt ] || [ -s /etc/pki/tls/certs/ca-bundle.crt ]; }

# as_root COMMAND...: runs it with the rights to install packages, without asking for a password.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# apt_quietly ARGUMENT...: true when it worked; else the first complaint is left in $why.
apt_quietly() {
  local log
  log=$(mktemp)
  if as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=1 -o Acquire::http::Timeout=20 "$@" >"$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  why="apt-get said: $(grep -m1 '^[EW]:' "$log" || tail -n1 "$log")"
  rm -f "$log"
  return 1
}

# install_packages NAME...: installs what it can; the reason of a failure is left in $why.
install_packages() {
  local name
  command -v apt-get >/dev/null 2>&1 || { why='there is no apt-get here'; return 1; }
  as_root true 2>/dev/null || { why='installing needs root, or sudo without a password'; return 1; }
  say "installing system packages: $*"
  # A list that cannot be renewed may still be good enough, so only the installation decides.
  apt_quietly update || true
  apt_quietly install -y --no-install-recommends "$@" && return 0
  # One unknown name fails the whole list: the others are still wanted.
  for name in "$@"; do apt_quietly install -y --no-install-recommends "$name" || true; done
  return 1
}

# Names of the missing packages among those the program needs, in $needed and $speech.
find_missing() {
  needed='' speech=''
  works_cc || needed+=' gcc libc6-dev'
  works_certificates || needed+=' ca-certificates'
  works_flite || speech+=' flite'
  works_espeak || speech+=' espeak-ng'
  works_sphinx || speech+=' libpocketsphinx3'
  works_model || speech+=' pocketsphinx-en-us'
}

# What ./run needs. Stops without a C compiler; goes on without the rest and says what that means.
ensure_system() {
  local why=''
  find_missing
  [ -n "$needed$speech" ] || return 0
  # shellcheck disable=SC2086 # lists of names
  install_packages $needed $speech || true
  find_missing
  why=${why:-installed, but not working}
  works_cc || stop "missing:$needed ($why); install a C compiler and start again: apt-get install gcc libc6-dev"
  [ -z "$needed" ] || say "missing:$needed ($why); going on, but HTTPS to others will fail"
  [ -z "$speech" ] || say "missing:$speech ($why); the program will run without the local speech that needs them (keypad and pre-rendered phrases instead)"
}

# Rust comes from its own installer, so it is named and not installed.
ensure_cargo() {
  if ! command -v cargo >/dev/null 2>&1 && [ -r "$HOME/.cargo/env" ]; then
    # shellcheck disable=SC1091 # written by rustup
    . "$HOME/.cargo/env"
  fi
  cargo --version >/dev/null 2>&1 || stop "missing: cargo (Rust 1.94 or newer); install it from https://rustup.rs and start again"
}
