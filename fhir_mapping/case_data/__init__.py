"""The nouns of the case: frozen dataclasses and their enumerations, one file per noun, standard library only."""
