"""Models to JSON values and tensors, and back."""

import inspect
import os

import numpy as np
import pandas as pd
import torch
from imblearn.pipeline import Pipeline as SamplingPipeline
from sklearn.pipeline import Pipeline

from briqa_sk.exceptions import UnsafeModelError
from briqa_sk.persistence.registry import REGISTRY, find_class, is_registered
from briqa_sk.preprocessing import CacheVolumes

#: Where a model runs: its folders, processes, device and terminal. A file does not take
#: them along, and one that brings them is not heard.
LOCAL = {"checkpoint_dir", "device", "memory", "n_jobs", "num_workers", "verbose"}
#: Above every number of volumes, and still a length that Python can count to.
LARGEST_BATCH = 2**31 - 1


class Encoder:
    """Turn a model into JSON values, and collect its tensors by name.

    Attributes
    ----------
    tensors : dict of str to torch.Tensor
        Weights and arrays.
    left_out : list of tuple
        Which parts could not be stored and only training needs, and their types.
    """

    def __init__(self):
        self.tensors = {}
        self.left_out = []

    def encode(self, value, *, where):
        """Return a JSON value; ``where`` says in errors which part it is."""
        value = _as_stored(value)
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, np.ndarray):
            return self._encode_array(value, where)
        if isinstance(value, list | tuple | dict | range | pd.Index | pd.Series):
            return self._encode_container(value, where)
        if is_registered(value):
            return self._encode_object(value, where)
        raise TypeError(
            f"save: {where} must be a number, text, array or one of "
            f"{', '.join(sorted(REGISTRY))}, got {type(value).__module__}."
            f"{type(value).__name__}. Pickle the model for use on your own machine."
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
        native = array.dtype.newbyteorder("=")  # torch knows no other byte order
        self.tensors[name] = torch.from_numpy(np.array(array, native, order="C"))
        return {"array": name}

    def _encode_object(self, value, where):
        fitted = {
            name: self.encode(item, where=f"{where}.{name}")
            for name, item in vars(value).items()
            if _is_fitted_name(value, name) and name != "net_"
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
        training_only = {"random_state", *getattr(value, "_training_only", ())}
        params = {}
        for name, item in value.get_params(deep=False).items():
            if name in LOCAL:
                continue
            try:
                params[name] = self.encode(item, where=f"{where}.{name}")
            except TypeError:
                if name not in training_only:
                    raise
                self.left_out.append((f"{where}.{name}", type(item).__name__))
        return params


def _as_stored(value):
    """Return what stands in a file for a value of this machine or of training only."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, CacheVolumes):
        return "passthrough"  # a folder of this machine means nothing elsewhere
    if isinstance(value, SamplingPipeline):  # its samplers act in fit only
        is_sampler = [hasattr(step, "fit_resample") for _, step in value.steps]
        return Pipeline(
            [
                (name, "passthrough" if skipped else step)
                for (name, step), skipped in zip(value.steps, is_sampler, strict=True)
            ]
        )
    return value


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
        known = inspect.signature(cls).parameters
        unknown = set(value["params"]) - set(known)
        if unknown:
            raise UnsafeModelError(
                f"load: {self.path} must give {name} its own parameters only, got also "
                f"{sorted(unknown)}."
            )
        params = {
            key: self.decode(item)
            for key, item in value["params"].items()
            if key not in LOCAL
        }
        if "device" in known:
            params["device"] = self.device
        model = cls(**params)
        for key, item in value["fitted"].items():
            if not _is_fitted_name(model, key):
                raise UnsafeModelError(
                    f"load: fitted values in {self.path} must end in one underscore, "
                    f"got {key!r}."
                )
            setattr(model, key, self.decode(item))
        if "network" in value:
            self._check_classifier(model)
            self._import_network(model, value["network"])
        return model

    def _check_classifier(self, model):
        """Refuse what would load well and fail in ``predict``."""
        model._check_params()
        if model.batch_size > LARGEST_BATCH:
            raise UnsafeModelError(
                f"load: batch_size in {self.path} must be at most {LARGEST_BATCH}, got "
                f"{model.batch_size}."
            )
        shape = model.volume_shape_
        if not isinstance(shape, tuple) or [type(size) for size in shape] != [int] * 3:
            raise UnsafeModelError(
                f"load: volume_shape_ in {self.path} must be 3 whole numbers, got "
                f"{shape!r}."
            )
        per_class = [model.classes_, model.class_counts_, model.class_prior_]
        per_class.append(model.grades_)
        is_shared = isinstance(model.classes_, list)  # by several artifacts
        artifacts = list(zip(*per_class, strict=True)) if is_shared else [per_class]
        if not all(_are_of_same_grades(*arrays) for arrays in artifacts):
            raise UnsafeModelError(
                f"load: grades_, classes_, class_counts_ and class_prior_ in "
                f"{self.path} must be arrays over the same grades, got {per_class}."
            )

    def _import_network(self, model, prefix):
        model._import_network(
            {
                key.removeprefix(prefix): tensor
                for key, tensor in self.tensors.items()
                if key.startswith(prefix)
            }
        )


def _is_fitted_name(model, name):
    is_public = name.endswith("_") and not name.startswith("_")
    return is_public or name in getattr(model, "_also_fitted", ())


def _are_of_same_grades(classes, counts, prior, grades):
    per_class = [classes, counts, prior]
    if grades is not None:
        per_class.append(grades)
    return (
        all(isinstance(values, np.ndarray) for values in per_class)
        and len({values.shape for values in per_class}) == 1
        and (grades is None or np.array_equal(np.unique(grades), classes))
    )
