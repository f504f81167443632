"""Languages by whatever a source or a person calls them: two or three letters, English or own name."""

from directory.words import fold

# (ISO 639-1, ISO 639-3, English name, further names)
LANGUAGES = (
    ("en", "eng", "English", "ingles"),
    ("es", "spa", "Spanish", "espanol castellano"),
    ("zh", "zho", "Chinese", "chi cmn yue mandarin cantonese"),
    ("vi", "vie", "Vietnamese", ""),
    ("tl", "tgl", "Tagalog", "fil filipino"),
    ("ar", "ara", "Arabic", ""),
    ("fr", "fra", "French", "fre francais"),
    ("ht", "hat", "Haitian Creole", "haitian kreyol creole"),
    ("ru", "rus", "Russian", ""),
    ("uk", "ukr", "Ukrainian", ""),
    ("pl", "pol", "Polish", ""),
    ("pt", "por", "Portuguese", ""),
    ("ko", "kor", "Korean", ""),
    ("ja", "jpn", "Japanese", ""),
    ("de", "deu", "German", "ger"),
    ("it", "ita", "Italian", ""),
    ("hi", "hin", "Hindi", ""),
    ("ur", "urd", "Urdu", ""),
    ("bn", "ben", "Bengali", "bangla"),
    ("pa", "pan", "Punjabi", ""),
    ("gu", "guj", "Gujarati", ""),
    ("fa", "fas", "Persian", "per farsi dari"),
    ("ps", "pus", "Pashto", ""),
    ("so", "som", "Somali", ""),
    ("am", "amh", "Amharic", ""),
    ("sw", "swa", "Swahili", ""),
    ("ne", "nep", "Nepali", ""),
    ("my", "mya", "Burmese", "bur"),
    ("km", "khm", "Khmer", "cambodian"),
    ("hmn", "hmn", "Hmong", ""),
    ("ase", "ase", "American Sign Language", "asl sgn"),
)
_CODES = {fold(said): code for code, long, name, more in LANGUAGES for said in (code, long, name, *more.split())}
NAMES = {code: name for code, _, name, _ in LANGUAGES}


def language_code(said: str) -> str:
    """Return the short code of a language given by code or name; what is not known comes back folded.

    A region behind it is cut off: `es-MX` gives `es`.
    """
    folded = fold(said)
    return _CODES.get(folded) or _CODES.get(folded.split("-")[0]) or folded


def language_name(code: str) -> str:
    """Return the English name of a code, or the code."""
    return NAMES.get(code, code)
