"""What a drawing says about itself beside what it shows: metadata, left out as that of any picture, but for rights.

Programs leave behind who drew it, where, in which file, and how their windows stood: in `metadata`, and in elements
and attributes of namespaces of their own, which nothing draws. `title` and `desc` are read to people, and stay.
Source: https://www.w3.org/TR/SVG2/metadata.html; https://www.w3.org/Submission/ccREL/
"""

from __future__ import annotations

SVG = "http://www.w3.org/2000/svg"
_OWN = frozenset({"", SVG})
_OF_ATTRIBUTES = frozenset({"", SVG, "http://www.w3.org/1999/xlink", "http://www.w3.org/XML/1998/namespace"})
_DC = "http://purl.org/dc/elements/1.1/"
_FRAMES = frozenset(
    {
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "http://creativecommons.org/ns#",
        "http://web.resource.org/cc/",
    }
)
"""Namespaces of what stands around what is said of rights, licences among them."""
_RIGHTS = frozenset({"rights", "creator", "contributor", "publisher"})
"""What stays of Dublin Core."""


class About:
    """Told of the elements of a drawing one after the other, it says what of them is left out.

    Args:
        rights: whether what `metadata` says of rights stays.
    """

    def __init__(self, rights: bool) -> None:
        self._rights = rights
        self._inside = self._claim = 0

    def begins(self, local: str, space: str) -> bool:
        """Take in that an element begins; return whether it is left out, with all that is in it, and its end untold.

        Args:
            local: its name in small letters.
            space: its namespace, empty where it has none.
        """
        if self._inside:
            claim = bool(self._claim) or (space == _DC and local in _RIGHTS)
            if not claim and space not in _FRAMES:
                return True
            self._inside += 1
            self._claim += claim
            return False
        if local == "metadata" and space in _OWN and self._rights:
            self._inside = 1
            return False
        return local == "metadata" or space not in _OWN

    def ends(self) -> None:
        """Take in that an element ends that was not left out."""
        self._inside -= self._inside > 0
        self._claim -= self._claim > 0

    @property
    def silent(self) -> bool:
        """Whether texts are left out where we are."""
        return self._inside > 0 and not self._claim

    def shown(self, space: str) -> bool:
        """Return whether attributes of a namespace stay where we are."""
        return self._inside > 0 or space in _OF_ATTRIBUTES
