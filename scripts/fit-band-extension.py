#!/usr/bin/env python3
"""Fits the table of crates/speech/data/band-extension.txt: how loud speech is above the telephone band, given what is in it.

The recogniser's acoustic model was trained on 16 kHz speech. Telephone audio has nothing above 4 kHz, which the model takes for other sounds.
This script speaks sentences with several synthetic voices at full band, sends them through 8 kHz mu-law, and fits by least squares the energy of
four bands above 3.6 kHz from thirteen bands below it. Needs numpy, flite, espeak-ng and sox.

usage: scripts/fit-band-extension.py > crates/speech/data/band-extension.txt
"""

import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy

FRAME, HOP = 512, 160
WINDOW = 0.5 - 0.5 * numpy.cos(2 * numpy.pi * numpy.arange(FRAME) / FRAME)
FREQUENCIES = numpy.fft.rfftfreq(FRAME, 1 / 16000)
LOW = [(200 + i * 260, 460 + i * 260) for i in range(13)]
HIGH = [(3600, 4200), (4200, 4900), (4900, 5700), (5700, 6800)]
VOICES = ["slt", "rms", "awb", "kal16", "espeak:en-us", "espeak:en-gb", "espeak:en-us+f3"]
SENTENCES = [
    "I would like to book a double room for two nights from Friday",
    "what time is breakfast served in the morning",
    "she sells sea shells by the sea shore",
    "please check the price for three guests",
    "my confirmation code is six seven four one",
    "the quick brown fox jumps over the lazy dog",
    "yes that is fine thank you",
    "cancel my reservation for Thursday",
    "do you have a pool and is parking free",
    "my last name is Smith and I would like to speak to a person",
    "just me for one night please",
    "no not Saturday the twenty third of December",
]


def read(path):
    with wave.open(str(path)) as file:
        return numpy.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


def speak(folder, voice, text):
    raw, full, phone, back = (folder / name for name in ("raw.wav", "full.wav", "phone.wav", "back.wav"))
    if voice.startswith("espeak:"):
        subprocess.run(["espeak-ng", "-v", voice[7:], "-w", raw, text], check=True)
    else:
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", raw], check=True)
    subprocess.run(["sox", raw, "-r", "16000", full, "gain", "-n", "-6", "pad", "0.2", "0.2"], check=True)
    subprocess.run(["sox", full, "-r", "8000", "-e", "mu-law", phone], check=True)
    subprocess.run(["sox", phone, "-r", "16000", "-e", "signed", "-b", "16", back], check=True)
    wide, narrow = read(full), read(back)
    length = min(len(wide), len(narrow))
    return wide[:length], narrow[:length]


def spectra(samples):
    count = (len(samples) - FRAME) // HOP + 1
    return numpy.array([numpy.fft.rfft(WINDOW * samples[i * HOP : i * HOP + FRAME]) for i in range(count)])


def energies(spectrum, bands):
    power = numpy.abs(spectrum) ** 2
    levels = [power[:, (FREQUENCIES >= low) & (FREQUENCIES < high)].mean(1) for low, high in bands]
    return 10 * numpy.log10(numpy.stack(levels, 1) + 1e3)


def features(low):
    return numpy.hstack([low, numpy.ones((len(low), 1)), numpy.maximum(0, low - 40) ** 2 / 50])


def main():
    given, wanted = [], []
    with tempfile.TemporaryDirectory() as folder:
        for voice in VOICES:
            for text in SENTENCES:
                wide, narrow = speak(Path(folder), voice, text)
                given.append(energies(spectra(narrow), LOW))
                wanted.append(energies(spectra(wide), HIGH))
    given, wanted = features(numpy.vstack(given)), numpy.vstack(wanted)
    table = numpy.linalg.lstsq(given, wanted, rcond=None)[0]
    error = numpy.sqrt(((given @ table - wanted) ** 2).mean(0))
    print(f"spread {wanted.std(0).round(1)} dB, error {error.round(1)} dB", file=sys.stderr)
    for row in table:
        print(" ".join(f"{value:.5f}" for value in row))


if __name__ == "__main__":
    main()
