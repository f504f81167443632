"""Strings that want to be more than text: a few of our own, and the lists beside the project where they are there."""

import json
from pathlib import Path
from typing import Final

SHARED: Final = Path(__file__).parents[2] / "shared" / "data" / "badinput" / "strings"
#  written for this project: one for each place where a string could come to life
OWN: Final = (
    "<script>window.canary=1</script>",
    "<img src=x onerror=window.canary=1>",
    "\"'></textarea></title></option></select><svg onload=window.canary=1>",
    "' autofocus onfocus=window.canary=1 x='",
    "javascript:window.canary=1",
    "<a href=javascript:window.canary=1>press</a>",
    "<iframe srcdoc='<script>parent.canary=1</script>'></iframe>",
    "{{ 7 * 7 }} {% for x in y %} ${7*7} #{7*7}",
    "<style>body{display:none}</style><link rel=stylesheet href=//evil.invalid/x.css>",
    "<base href=//evil.invalid/><meta http-equiv=refresh content=0;url=//evil.invalid>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.canary=1>",
    "&lt;script&gt;window.canary=1&lt;/script&gt; &#x3C;b&#x3E;",
    "--><!-- ]]> <![CDATA[ <b>bold</b>",
)


def lists() -> list[str]:
    """Return each string of the XSS lists beside the project once, empty where they are not there."""
    found: dict[str, None] = {}
    for path in sorted(SHARED.glob("*xss*.jsonl")) if SHARED.is_dir() else ():
        for line in path.read_text(encoding="utf-8").splitlines():
            found[str(json.loads(line)["s"])] = None
    return list(found)
