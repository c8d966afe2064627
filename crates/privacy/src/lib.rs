//! Values that do not print, and what is masked in free text: cards, numbers, addresses, written or spoken.
