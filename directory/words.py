"""Words for searching: lower case, no accents, singular, without the words that say nothing (English and Spanish)."""

import re
import unicodedata

_WORD = re.compile(r"[a-z0-9]+")
_SAYING_NOTHING = """
    a an and any are as at be by can do for from get has have help helps how i if in into is it its me more my near
    need of on open or our out program programs service services that the their they this to up us we who with you your
    al algun ayuda con cerca como de del el en es la las lo los mi necesito o para por que se servicio servicios su sus
    un una y"""
_EMPTY = frozenset(_SAYING_NOTHING.split())


def fold(text: str) -> str:
    """Return the text in lower case without accents, with single blanks: `Niños  y Más` gives `ninos y mas`."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(plain.split())


def stem(word: str) -> str:
    """Return a folded word in the singular, roughly; the same rule serves the index and the query."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "ores", "ades", "ones")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def words(text: str) -> tuple[str, ...]:
    """Return the telling words of a text, folded and in the singular, each once, in order, at most 40 letters long."""
    found = (stem(word[:40]) for word in _WORD.findall(fold(text)) if word not in _EMPTY and len(word) > 1)
    return tuple(dict.fromkeys(found))


# Words that people use for the same thing; a query for one finds all. English and Spanish, ours.
_SYNONYMS = (
    "food groceries pantry comida alimentos despensa",
    "meal dinner lunch breakfast comida almuerzo cena desayuno",
    "shelter refuge albergue refugio",
    "housing home apartment rent vivienda casa alquiler renta apartamento",
    "job employment work empleo trabajo",
    "lawyer attorney legal abogado",
    "ride transportation bus transporte viaje",
    "doctor clinic medical medico clinica",
    "dentist dental dentista",
    "clothing clothes ropa",
    "child kid youth children nino nina joven",
    "senior elderly older anciano mayor",
    "school class education clase escuela educacion",
    "utility electricity heat light luz electricidad calefaccion",
    "shower bathroom ducha bano",
    "woman women mujer",
    "veteran veterano",
    "immigrant immigration inmigrante inmigracion",
    "diaper panal",
    "computer internet computadora",
    "counseling counselling therapy consejeria terapia",
    "insurance seguro medicaid",
)


def synonyms(word: str) -> tuple[str, ...]:
    """Return a stemmed word with every word that means the same, the word itself first."""
    alike = (stem(other) for group in _SYNONYMS if word in map(stem, group.split()) for other in group.split())
    return tuple(dict.fromkeys((word, *alike)))
