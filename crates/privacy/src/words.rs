//! Words beside the digits: what people say while they read a number out, and what a number is called. All folded (lower case, no accents).

use std::collections::HashMap;
use std::sync::LazyLock;

/// Said between the digits of one number.
const FILLERS: &str = "um uh er erm hm hmm mm and then so ok okay yes yeah right well please wait sorry comma dash hyphen space dot point slash \
    the next rest are is it its s my card cards number numbers digit digits figures last first final ends ending continues with again \
    ah ahm oh oeh und dann also ja genau gut bitte moment komma strich bindestrich leerzeichen punkt die der das nachsten naechsten letzten \
    ersten ziffern zahlen sind ist lautet lauten karte nummer kartennummer meine mal \
    eh em este y luego entonces pues si bueno espere coma guion espacio punto los las el la siguientes ultimos ultimas primeros numeros \
    digitos cifras son es tarjeta numero mi \
    euh heu et puis ensuite alors oui bon attendez virgule tiret espace les le suivants derniers premiers chiffres sont est carte ma fois \
    ehm allora e poi quindi bene aspetti virgola trattino spazio i il cifre numeri sono carta mia ultime ultimi prime primi prossimi \
    prossime seguenti volte";

/// A number before one of these is a count and no digit of the number: `four digits`, `cuatro últimos`.
const COUNTED: &str = "digit digits numbers figures more ziffern zahlen stellen digitos cifras numeros ultimos ultimas siguientes primeros chiffres \
    derniers dernieres suivants premiers cifre numeri ultime ultimi";

/// After one of these and before a word of [`VERBS`], a number is a count: `the last four are`, `die letzten vier sind`.
const PLACES: &str = "next last first final other nachsten naechsten letzten ersten ultimos ultimas siguientes primeros prochains derniers premiers \
    ultime ultimi prime primi prossime prossimi";
const VERBS: &str = "are is digits numbers sind ist lauten lautet son es sont est sono e";

/// What is asked for beside a card's number, and must not be kept at all.
const SECURITY: &str = "cvv cvv2 cvc cvc2 csc cvn pin prufnummer pruefnummer kartenprufnummer kartenpruefnummer prufziffer pruefziffer \
    sicherheitscode sicherheitsnummer kartenprufziffer cryptogramme";
/// The same in two parts, with at most one short word between them.
const SECURITY_PAIRS: [(&str, &str); 8] = [
    ("security", "code"),
    ("security", "number"),
    ("verification", "code"),
    ("verification", "number"),
    ("codigo", "seguridad"),
    ("code", "securite"),
    ("codice", "sicurezza"),
    ("code", "verification"),
];

/// What is called by a number that is no telephone number.
const REFERENCES: &str = "confirmation booking reservation order reference ref invoice ticket room code id account bestatigung bestatigungsnummer \
    buchung buchungsnummer reservierung reservierungsnummer bestellung bestellnummer rechnung rechnungsnummer zimmer auftrag auftragsnummer \
    confirmacion reserva pedido factura habitacion codigo referencia commande facture chambre prenotazione ordine fattura camera codice conferma \
    riferimento";
/// What a telephone number is called.
const TELEPHONES: &str = "phone telephone call tel mobile cell number reach text sms fax telefon telefonnummer handy handynummer nummer rufnummer \
    telefono movil numero llame telephone portable appelez telefono cellulare chiami";

/// What a word does beside a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Said between the digits of one number, and no part of it.
    Filler,
    /// A number before it is a count.
    Counted,
    /// A number after it may be a count.
    Place,
    /// Makes a count of the number between it and a place.
    Verb,
    /// Names a security code.
    Security,
    /// Names a number that is no telephone number.
    Reference,
    /// Names a telephone number.
    Telephone,
}

const LISTS: [(Role, &str); 7] = [
    (Role::Filler, FILLERS),
    (Role::Counted, COUNTED),
    (Role::Place, PLACES),
    (Role::Verb, VERBS),
    (Role::Security, SECURITY),
    (Role::Reference, REFERENCES),
    (Role::Telephone, TELEPHONES),
];

/// A word's roles, one bit each.
static ROLES: LazyLock<HashMap<&'static str, u8>> = LazyLock::new(|| {
    let mut roles = HashMap::new();
    for (role, words) in LISTS {
        for word in words.split_ascii_whitespace() {
            *roles.entry(word).or_default() |= bit(role);
        }
    }
    roles
});

const fn bit(role: Role) -> u8 {
    1 << role as u8
}

/// True when a folded word has this role.
pub(crate) fn is(role: Role, word: &str) -> bool {
    ROLES.get(word).is_some_and(|roles| roles & bit(role) != 0)
}

/// Names a security code by two words, the second of which is `word`; `before` are the two words before it, the nearer one first.
pub(crate) fn ends_security(before: [&str; 2], word: &str) -> bool {
    SECURITY_PAIRS.iter().any(|(first, second)| *second == word && before.contains(first))
}
