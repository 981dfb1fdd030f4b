"""Limit on the share of a training's time in which features are looked at."""


class LookBudget:
    """Chooses how many images are searched, so that looks take a share of the time of the epochs, and says if a look is affordable.

    The first look comes before the first epoch and compiles, so it is not counted. Later looks search as many images as fit into the share,
    given the time of the last projections; never more than before, since columns of a figure should be alike.

    Args:
        share: of the time of the epochs that looks may take, 0..1; None for any time.
        images: number of images there are.
        fewest: images that a look searches at least.

    Examples:
        >>> budget = LookBudget(0.05, images=1000)
        >>> budget.add_look(searching=2.0, drawing=3.0)
        >>> budget.add_epoch(20.0)
        >>> budget.images, budget.affords()
        (400, True)
    """

    # Part of the share to plan with; the rest covers errors of the estimate.
    AIM = 0.8

    def __init__(self, share: float | None, images: int, fewest: int = 64) -> None:
        self.share, self.all, self.images, self.fewest = share, images, images, min(fewest, images)
        self.trained, self.taken, self._drawing = 0.0, 0.0, 0.0
        self._image: float | None = None

    @property
    def is_new(self) -> bool:
        """Whether there is a share to keep to, and no look has been measured."""
        return self.share is not None and self._image is None

    def add_epoch(self, seconds: float) -> None:
        """Counts an epoch, without the time of looks."""
        self.trained += seconds
        if self.share is not None and self._image:
            fitting = (self.AIM * self.share * seconds - self._drawing) / self._image
            self.images = max(self.fewest, min(self.images, int(fitting)))

    def add_look(self, searching: float, drawing: float, images: int | None = None) -> None:
        """Counts a look at a number of images, `self.images` if None: the search, and everything else, in seconds."""
        if self._image is not None:
            self.taken += searching + drawing
            self._drawing = drawing
        self._image = searching / (images or self.images)

    def add(self, seconds: float) -> None:
        """Counts other work after an epoch."""
        self.taken += seconds

    def affords(self) -> bool:
        """Whether another look keeps the time of all looks within the share."""
        if self.share is None:
            return True
        return self.taken + self._drawing + (self._image or 0) * self.images <= self.share * self.trained
