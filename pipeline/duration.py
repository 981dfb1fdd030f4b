"""Lengths of time for people."""


def duration(seconds: float) -> str:
    """Formats a length of time: "83.1 s", "12 min 05 s", "5 h 03 min"."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
