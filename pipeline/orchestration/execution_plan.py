"""What is known of an execution before it starts, and the key by which an earlier one like it is found."""

import functools
import hashlib
import inspect
import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from zfnet.components.artifacts import Artifact
from zfnet.pipeline.orchestration.code_version import code_version
from zfnet.pipeline.orchestration.step import Step


@dataclass(frozen=True)
class ExecutionPlan:
    """A step with its inputs found: everything that determines what it will write.

    Args:
        step: the step.
        inputs: the artifacts for its inputs, by name; an optional input that was left out is missing.
        digests: their digests, by name.
        upstream: the plans by which they were made, by name.
    """

    step: Step
    inputs: dict[str, Artifact]
    digests: dict[str, str]
    upstream: dict[str, "ExecutionPlan"]

    @functools.cached_property
    def code_version(self) -> str:
        """Version of the step's own source."""
        return code_version(self.step.function)

    @functools.cached_property
    def _fingerprints(self) -> dict[str, Any]:
        """Parameters as they enter the key. An object's own code counts: read by other code, the same data may come out differently."""
        return {
            name: [value.fingerprint(), code_version(type(value))] if hasattr(value, "fingerprint") else value
            for name, value in self.step.values("parameter").items()
        }

    def key(self, without: Container[str] = ()) -> str:
        """Hex SHA-256 over the step's name and code, its parameters and the contents of its inputs, but not over its settings.

        Args:
            without: names of parameters to leave out, for the key of a family of executions that differ in these alone.
        """
        parts = {
            "step": self.step.name,
            "code": self.code_version,
            "parameters": {name: value for name, value in self._fingerprints.items() if name not in without},
            "inputs": self.digests,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def execute(self, outputs: dict[str, Artifact]) -> None:
        """Calls the step's function with everything that it takes.

        Args:
            outputs: the artifacts to write, by name; their directories exist and are empty.
        """
        self.step.function(**self.step.values("input") | self.inputs, **outputs, **self.step.values("parameter"), **self.settings())

    def settings(self) -> dict[str, Any]:
        """The settings by name, those given as functions called with this plan."""
        return {name: value(self) if inspect.isfunction(value) else value for name, value in self.step.values("setting").items()}
