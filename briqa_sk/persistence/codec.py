"""Models to JSON values and tensors, and back."""

import inspect
import os
import warnings

import numpy as np
import torch

from briqa_sk.exceptions import BriqaWarning, UnsafeModelError
from briqa_sk.persistence.registry import REGISTRY, find_class, is_registered
from briqa_sk.preprocessing import CacheVolumes


class Encoder:
    """Turn a model into JSON values, and collect its tensors by name."""

    def __init__(self):
        self.tensors = {}

    def encode(self, value, *, where):
        """Return a JSON value; ``where`` says in errors which part it is."""
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if isinstance(value, np.ndarray):
            return self._encode_array(value, where)
        if isinstance(value, list | tuple | dict):
            return self._encode_container(value, where)
        if isinstance(value, CacheVolumes):
            return "passthrough"  # a folder of this machine means nothing elsewhere
        if is_registered(value):
            return self._encode_object(value, where)
        raise TypeError(
            f"save: {where} must be a number, text, array or one of "
            f"{', '.join(sorted(REGISTRY))}, got {type(value).__name__}. Pickle the "
            "model for use on your own machine."
        )

    def _encode_container(self, value, where):
        if isinstance(value, dict):
            pairs = [
                [self.encode(key, where=where), self.encode(item, where=where)]
                for key, item in value.items()
            ]
            return {"dict": pairs}
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [self.encode(item, where=where) for item in value]}

    def _encode_array(self, array, where):
        if array.dtype.kind in "OUS":
            return {"labels": [self.encode(x, where=where) for x in array.tolist()]}
        name = f"array.{len(self.tensors)}"
        self.tensors[name] = torch.from_numpy(np.ascontiguousarray(array))
        return {"array": name}

    def _encode_object(self, value, where):
        fitted = {
            name: self.encode(item, where=f"{where}.{name}")
            for name, item in vars(value).items()
            if name.endswith("_") and not name.startswith("_") and name != "net_"
        }
        encoded = {
            "class": type(value).__name__,
            "params": self._encode_params(value, where),
            "fitted": fitted,
        }
        if hasattr(value, "net_"):
            encoded["network"] = prefix = f"network.{len(self.tensors)}."
            for name, tensor in value._export_network().items():
                self.tensors[prefix + name] = tensor.contiguous()
        return encoded

    def _encode_params(self, value, where):
        training_only = getattr(value, "_training_only", ())
        params = {}
        for name, item in value.get_params(deep=False).items():
            if name == "checkpoint_dir":
                continue  # a folder of this machine, like a cache
            try:
                params[name] = self.encode(item, where=f"{where}.{name}")
            except TypeError:
                if name not in training_only:
                    raise
                warnings.warn(
                    f"save: {where}.{name} is left out of the file, because "
                    f"{type(item).__name__} can't be stored; only training needs it.",
                    BriqaWarning,
                    stacklevel=5,
                )
        return params


class Decoder:
    """Turn JSON values back into a model; names come from the registry only."""

    def __init__(self, tensors, path, device):
        self.tensors = tensors
        self.path = path
        self.device = device

    def decode(self, value):
        """Return what a JSON value stands for."""
        if not isinstance(value, dict):
            return value
        if "class" in value:
            return self._decode_object(value)
        (kind, content), *rest = value.items()
        if rest:
            raise UnsafeModelError(
                f"load: {self.path} must hold one kind of value at a time, got "
                f"{sorted(value)}."
            )
        if kind == "array":
            return self.tensors[content].numpy()
        if kind == "dict":
            return {self.decode(key): self.decode(item) for key, item in content}
        sequence = [self.decode(item) for item in content]
        return {"list": list, "tuple": tuple, "labels": np.array}[kind](sequence)

    def _decode_object(self, value):
        name = value["class"]
        if name not in REGISTRY:
            raise UnsafeModelError(
                f"load: {self.path} must name classes of briqa_sk only, got {name!r}."
            )
        cls = find_class(name)
        params = {key: self.decode(item) for key, item in value["params"].items()}
        unknown = set(params) - set(inspect.signature(cls).parameters)
        if unknown:
            raise UnsafeModelError(
                f"load: {self.path} must give {name} its own parameters only, got also "
                f"{sorted(unknown)}."
            )
        if "network" in value:
            params |= {"device": self.device, "checkpoint_dir": None}
        model = cls(**params)
        for key, item in value["fitted"].items():
            if not key.endswith("_") or key.startswith("_"):
                raise UnsafeModelError(
                    f"load: fitted values in {self.path} must end in one underscore, "
                    f"got {key!r}."
                )
            setattr(model, key, self.decode(item))
        if "network" in value:
            prefix = value["network"]
            model._import_network(
                {
                    key.removeprefix(prefix): tensor
                    for key, tensor in self.tensors.items()
                    if key.startswith(prefix)
                }
            )
        return model
