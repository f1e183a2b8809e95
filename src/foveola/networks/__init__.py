"""Networks that foresee the quality at which a picture meets a target: method `ml`.

Any network of the two formats that imgproxy documents can be run; ours are shipped for JPEG, WebP, AVIF and JPEG XL.
A network only says where to look first; what it says is verified by the search, unless it is asked to be trusted.
Source: https://docs.imgproxy.net/features/autoquality
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from foveola.errors import ConfigError, NetworkError, expected
from foveola.networks import heads, inputs, sidecar
from foveola.networks.heads import Prediction
from foveola.networks.runtime import Model, available
from foveola.networks.sidecar import Head, Sidecar
from foveola.picture import Picture
from foveola.settings import ONE_THREAD, PREDICTED, Inference

__all__ = [
    "Absent",
    "Inference",
    "Network",
    "Prediction",
    "Predictor",
    "Shipped",
    "Sidecar",
    "available",
    "choose",
    "shipped",
]

Absent = Literal["no_network", "no_ml_extra", "network_damaged", "network_failed"]
"""Why no network is asked; a note of the result."""
FORMATS = PREDICTED
"""Formats whose networks are shipped."""
NONE = "none"
"""The word for no network."""
SHIPPED = Path(str(files("foveola.networks"))) / "shipped"
"""Where ours are."""
_log = logging.getLogger("foveola.networks")


class Predictor(Protocol):
    """Who foresees a quality."""

    @property
    def own(self) -> bool:
        """Whether it was chosen by the user, who wants its word to be taken."""
        ...

    def predict(self, picture: Picture) -> Prediction:
        """Return what it says of a picture; a NetworkError where it fails."""
        ...


@dataclass(frozen=True, eq=False)
class Network:
    """A network in a file, a Predictor.

    Args:
        model: that was read.
        about: what its sidecar says, what is taken for a foreign network without one.
        head: how its output is read.
        own: whether it was chosen by the user.
    """

    model: Model
    about: Sidecar
    head: Head
    own: bool = True

    @classmethod
    def load(
        cls,
        path: str | Path,
        format: str,
        *,
        own: bool = True,
        name: str = "network",
        inference: Inference = ONE_THREAD,
    ) -> Network:
        """Read a network, and try it on a grey picture.

        Args:
            path: of the `.pb` or `.onnx`; its sidecar is beside it.
            format: of the files whose quality it is to say.
            own: whether the user has chosen it.
            name: of the setting or argument that says the path, for messages.
            inference: how it is run.

        Raises:
            ConfigError: it can't be used; the message has the setting, the file, what was expected and what was found.
        """
        path = Path(path)
        if not available():
            raise ConfigError(f'Expected the extra [ml] (pip install "foveola[ml]") for {name}, got {path} without it')
        try:
            about = sidecar.read(path) or Sidecar()
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from error
        model = Model(path, name, inference, about.layout)
        network = cls(model, about, _head(model, about), own)
        if about.format not in ("", format):
            raise model.unusable(f"a network for {about.format}, not for {format}")
        if about.sha256 not in ("", model.sha256):
            raise model.unusable(f"sha256 {model.sha256}, not {about.sha256} as its sidecar says")
        try:
            network.predict(Picture(np.full((1, 64, 64, 3), 128, np.uint8)))
        except NetworkError as error:
            raise model.unusable(f"a test inference that failed: {error}") from error
        return network

    def predict(self, picture: Picture) -> Prediction:
        """Return what the network says of a picture, of several frames of the first.

        Raises:
            NetworkError: the inference failed, or its numbers are not finite.
        """
        how, model = self.about, self.model
        pixels = inputs.square(picture, how.input, model.side)
        scale = how.scale or ("1" if model.floats else "255")
        value = inputs.tensor(pixels, model.layout, scale, model.floats)
        return heads.read(self.model(value), self.head, how.target, how.sigma, how.index_base)


def _head(model: Model, about: Sidecar) -> Head:
    """Return how the output is read; an error where the sidecar says what can't be."""
    single = model.outputs == 1
    head: Head = about.head or ("scalar" if single else "logits")
    if single != (head == "scalar"):
        raise model.unusable(f"{model.outputs} outputs where its sidecar says head {head}")
    if about.layout and about.layout != model.layout:
        raise model.unusable(f"an input with channels as {model.layout} where its sidecar says {about.layout}")
    if not model.floats and about.scale not in (None, "255"):
        raise model.unusable(f"an input of uint8 where its sidecar says scale {about.scale}")
    return head


def intact(format: str) -> Path:
    """Return where our network for a format is.

    Raises:
        ConfigError: it is damaged.
    """
    path = SHIPPED / f"{format}.pb"
    about = sidecar.read(path)
    wanted = about.sha256 if about else ""
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"Expected a network at {path}, got {error.strerror}") from error
    if found != wanted:
        raise ConfigError(f"Expected sha256 {wanted or 'in a sidecar'} for {path}, got {found}")
    return path


@dataclass(frozen=True)
class Shipped:
    """Our network for a format, a Predictor that reads its file when it is first asked.

    It seldom is, for the transform mostly foresees better; and it takes a third of a second and 40 MB.
    """

    format: str
    inference: Inference = ONE_THREAD
    own: bool = False

    def predict(self, picture: Picture) -> Prediction:
        """Return what the network says of a picture.

        Raises:
            NetworkError: the inference failed, or its file can't be read.
        """
        try:
            return _shipped(self.format, self.inference).predict(picture)
        except ConfigError as error:
            raise NetworkError(str(error)) from error


@lru_cache(16)
def _shipped(format: str, inference: Inference) -> Network:
    return Network.load(intact(format), format, own=False, inference=inference)


@lru_cache(16)
def shipped(format: str, inference: Inference = ONE_THREAD) -> Shipped | Absent:
    """Return our network for a format, or why there is none; a damaged one is logged."""
    try:
        intact(format)
    except ConfigError as error:
        _log.warning("The network for %s that came with foveola can't be used: %s", format, error)
        return "network_damaged"
    return Shipped(format, inference)


@lru_cache(16)
def _loaded(path: str, format: str, name: str, inference: Inference) -> Network:
    return Network.load(path, format, name=name, inference=inference)


def choose(
    said: str, format: str, *, name: str = "network", inference: Inference = ONE_THREAD
) -> Network | Shipped | Absent:
    """Return the network that is meant, read once a process, or why there is none.

    Args:
        said: empty for ours, `none` for no network, or the path of a file.
        format: of the result.
        name: of the setting or argument, for messages.
        inference: how it is run.

    Raises:
        ConfigError: the file can't be used, or `said` is no text.
    """
    if not isinstance(said, str):
        raise ConfigError(expected("a path, none, or an empty text", name, said))
    if said == NONE or (not said and format not in FORMATS):
        return "no_network"
    if not available():
        return _without_extra(said or format)
    return _loaded(said, format, name, inference) if said else shipped(format, inference)


@lru_cache(16)
def _without_extra(wanted: str) -> Absent:
    """Say once that a network can't be run."""
    _log.warning('No network for %s: the extra [ml] is missing (pip install "foveola[ml]")', wanted)
    return "no_ml_extra"


@lru_cache(16)
def digest(said: str) -> str:
    """Return what differs where the predictions of a network of the user's may differ; empty for the others."""
    if said in ("", NONE):
        return ""
    files = Path(said), sidecar.beside(Path(said))
    try:
        parts = [path.read_bytes() for path in files if path.is_file()]
    except OSError as error:  # without it the search goes on without a network, too
        return f"unreadable: {error.strerror}"
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
