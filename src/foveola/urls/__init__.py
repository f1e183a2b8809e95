"""The language of imgproxy's URLs, read and written: `/SIGNATURE/OPTIONS/(plain/SOURCE@ext | base64.ext | enc/…)`.

A path is split and repaired, its signature verified, and only then read. `parse(build(url)) == url` for every URL that
can be built. Source: https://docs.imgproxy.net/usage/processing and https://docs.imgproxy.net/usage/signing_url
"""

from foveola.urls.grammar import Grammar, replacements
from foveola.urls.reading import ImageUrl, InfoUrl, parse, parse_info
from foveola.urls.signing import INFO, Keys, repair, sign, signed, split, verify
from foveola.urls.writing import FORMS, Form, build, checked, write_source

__all__ = [
    "FORMS",
    "INFO",
    "Form",
    "Grammar",
    "ImageUrl",
    "InfoUrl",
    "Keys",
    "build",
    "checked",
    "parse",
    "parse_info",
    "repair",
    "replacements",
    "sign",
    "signed",
    "split",
    "verify",
    "write_source",
]
