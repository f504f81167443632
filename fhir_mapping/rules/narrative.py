"""Which XHTML a narrative may hold: text and its form, nothing that acts.

Source: http://hl7.org/fhir/R4/narrative.html (txt-1, txt-2). Well-formedness is expat's; entities are never expanded,
because a document type declaration is refused before anything it declares could be used.
"""

import re
from html.entities import html5
from typing import Any, Final
from xml.parsers import expat

_ELEMENT_NAMES: Final = (
    "a abbr acronym b bdo big blockquote br caption cite code col colgroup dd del dfn div dl dt em h1 h2 h3 h4 h5 h6"
    " hr i img ins kbd li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt u ul var"
)
_ATTRIBUTE_NAMES: Final = (
    "abbr accesskey align alt axis border cellhalign cellpadding cellspacing cellvalign char charoff charset cite class"
    " colspan compact coords datetime dir frame headers height href hreflang id lang longdesc name noshade nowrap rel"
    " rev rowspan rules scope shape span src start style summary tabindex title type valign value width xml:lang xmlns"
    " xml:space"
)
_ELEMENTS: Final = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTES: Final = frozenset(_ATTRIBUTE_NAMES.split())
_XHTML: Final = "http://www.w3.org/1999/xhtml"
_LINK: Final = re.compile(r"(?:https?:|mailto:|tel:|ftp:|urn:|#|[^:]*\Z|[^:]*[/?#])", re.IGNORECASE)
_IMAGE: Final = re.compile(r"(?:https?:|data:image/(?:png|gif|jpe?g|webp);|#|[^:]*\Z|[^:]*[/?#])", re.IGNORECASE)
# A background from the document's own folder or from the text itself is form; any other address would tell a stranger
# who is reading.
_ACTIVE_STYLE: Final = re.compile(
    r"url\s*\((?!\s*['\"]?(?:data:image/(?:png|gif|jpe?g|webp);base64,[A-Za-z0-9+/=]*|[\w.-][\w./-]*)['\"]?\s*\))"
    r"|expression\s*\(|javascript:|@import|behaviou?r\s*:|-moz-binding|\\",
    re.IGNORECASE,
)
_NAMED_ENTITY: Final = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_XML_ENTITIES: Final = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})


class _Refused(Exception):
    """What the narrative may not hold, as the second half of a sentence."""


def narrative_problem(value: Any) -> str | None:
    """Return None for a safe narrative `div`, else what is wrong as the second half of a sentence."""
    if not isinstance(value, str):
        return "must be XHTML text in quotation marks"
    seen = _Seen()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_declaration
    parser.StartElementHandler = seen.start
    parser.EndElementHandler = seen.end
    parser.CharacterDataHandler = seen.text
    parser.ProcessingInstructionHandler = _refuse_instruction
    try:
        parser.Parse(_NAMED_ENTITY.sub(_as_character, value), True)
    except _Refused as problem:
        return str(problem)
    except (expat.ExpatError, ValueError):  # ValueError: half of a surrogate pair cannot be encoded
        return "is not well-formed XHTML; close every element and quote every attribute"
    return None if seen.content else "holds no words and no image; give a text or leave the narrative out"


class _Seen:
    """What the parser met: how deep it is, and whether there is anything to read."""

    def __init__(self) -> None:
        self.depth = 0
        self.content = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.depth == 0 and (name != "div" or attributes.get("xmlns", _XHTML) != _XHTML):
            raise _Refused("must be one XHTML div")
        if name not in _ELEMENTS:
            raise _Refused("holds an element that a narrative may not have; use text, lists, tables, links and images")
        self.depth += 1
        self.content = self.content or name == "img"
        for attribute, text in attributes.items():
            _refuse_attribute(attribute, text)

    def end(self, _name: str) -> None:
        self.depth -= 1

    def text(self, text: str) -> None:
        self.content = self.content or bool(text.strip())


def _refuse_attribute(name: str, text: str) -> None:
    if name not in _ATTRIBUTES:
        raise _Refused("holds an attribute that a narrative may not have; remove event handlers and the like")
    plain = re.sub(r"[\x00-\x20]", "", text)
    if name in {"href", "cite", "longdesc"} and not _LINK.match(plain):
        raise _Refused("links to an address of a kind that a narrative may not use; use http, https, mailto or tel")
    if name == "src" and not _IMAGE.match(plain):
        raise _Refused("shows an image from an address of a kind that a narrative may not use")
    if name == "style" and _ACTIVE_STYLE.search(text):
        raise _Refused("holds a style that loads or runs something; keep to plain styles")


def _as_character(entity: re.Match[str]) -> str:
    """XHTML's named characters (`&nbsp;`) are known to every reader, but not to an XML parser without a declaration."""
    name = entity[1]
    return entity[0] if name in _XML_ENTITIES or name not in html5 else "".join(f"&#{ord(c)};" for c in html5[name])


def _refuse_declaration(*_: Any) -> None:
    raise _Refused("holds a document type declaration; remove it")


def _refuse_instruction(*_: Any) -> None:
    raise _Refused("holds a processing instruction; remove it")
