"""Place of this process in a cluster, read from the environment variable `TF_CONFIG` without TensorFlow."""

import json
import os
from dataclasses import dataclass

ROLES = ("chief", "worker")


@dataclass(frozen=True)
class Task:
    """A place in a cluster of `workers` processes: `index`, the number of this process, is counted from 0 with the chief first."""

    index: int
    workers: int

    @property
    def chief(self) -> bool:
        """Whether this is the process that writes: the chief, or the first worker where there is none."""
        return self.index == 0


def read_task() -> Task | None:
    """Reads `TF_CONFIG`, in which Kubernetes' training operators and Vertex AI tell each process its place.

    If the variable is not set, or describes no cluster, the place is None.

    Raises:
        ValueError: if it is no JSON, has no place for this process, or has parameter servers (`ps`), which take no part here.

    Examples:
        >>> os.environ["TF_CONFIG"] = '{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 1}}'
        >>> read_task()
        Task(index=1, workers=2)
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return None
    try:
        config = json.loads(text)
        cluster = config.get("cluster", {})
        if cluster.get("ps"):  # TensorFlow would train without them, and they would wait for ever.
            raise ValueError("ps")
        addresses = [(role, place) for role in ROLES for place in range(len(cluster.get(role, ())))]
        if not cluster:
            return None
        return Task(addresses.index((config["task"]["type"], int(config["task"]["index"]))), len(addresses))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"TF_CONFIG is {text!r}; expected JSON with the cluster's addresses and this process' place, such as "
            '{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}. The machines train in step: '
            "give them the roles chief and worker alone, without parameter servers (ps)."
        ) from error
