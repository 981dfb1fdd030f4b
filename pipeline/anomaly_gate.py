"""The step of `zfnet run --strict` that lets no anomaly pass."""

import textwrap

from zfnet.components.artifacts import Anomalies, Input


def refuse_anomalies(anomalies: Input[Anomalies]) -> None:
    """Fails if anything suspicious was found in the examples.

    Args:
        anomalies: what ExampleValidator found.

    Raises:
        ValueError: there is an anomaly.
    """
    if found := anomalies.read_json("anomalies.json"):
        first, kept = textwrap.shorten(found[0]["message"], 200), anomalies.path / "anomalies.json"
        raise ValueError(f"{len(found)} anomalies, the first: {first} All are in {kept}; without --strict they are only reported.")
