"""Which implementation is active: the extension module, or the pure Python twins of assay.reference."""

import importlib
import os
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from assay import errors


@dataclass(frozen=True)
class Backend:
    """`name` is "native" or "python"; `reason` says why, for people."""

    name: str
    reason: str


def _choose() -> tuple[Backend, ModuleType | None]:
    wanted = os.environ.get("ASSAY_BACKEND", "")
    if wanted not in ("", "native", "python"):
        raise errors.InvalidArgument(f"ASSAY_BACKEND is '{wanted}'; it may be 'native' or 'python'")
    if wanted == "python":
        return Backend("python", "ASSAY_BACKEND=python asks for it"), None
    try:
        native = importlib.import_module("assay._native")
    except ImportError as error:
        if wanted == "native":
            raise errors.FailedPrecondition(f"ASSAY_BACKEND=native, but the extension is not there: {error}") from error
        return Backend("python", f"the extension module cannot be imported: {error}"), None
    reason = "ASSAY_BACKEND=native asks for it" if wanted else "the extension module is there"
    return Backend("native", reason), native


_backend, _native = _choose()


def backend() -> Backend:
    """Which implementation is active, and why. Set ASSAY_BACKEND to native or python before the import to choose."""
    return _backend


class _Refusing(type):
    """Of stand-ins for functions and classes without a twin: calling one, or asking it for a member, raises NoTwin."""

    def _refuse(cls, *_arguments: Any, **_named: Any) -> Any:
        raise errors.NoTwin(f"{cls.__doc__} has no pure Python twin and needs the extension module; {_backend.reason}")

    __call__ = _refuse

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls._refuse()


def _missing(name: str) -> Any:
    return _Refusing(name.rpartition(".")[2], (), {"__doc__": name})


def export(room: str, into: dict[str, Any], names: list[str]) -> None:
    """Puts the active implementation of `names` of a room into a public module's namespace."""
    module = getattr(_native, room) if _native is not None else importlib.import_module(f"assay.reference.{room}")
    for name in names:
        found = getattr(module, name, None)
        into[name] = _missing(f"assay.{room}.{name}") if found is None else found
