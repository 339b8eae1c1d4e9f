"""Integer arithmetic of valid convolutions: which sizes fit, what halo a pixel needs, where tiles may start."""

from __future__ import annotations

from dataclasses import dataclass

#: Pixels that the two unpadded 3x3 convolutions of a level take from an axis.
LEVEL_LOSS = 4
#: Smallest output, px: with it every level still has pixels, at any depth.
SMALLEST_OUTPUT = 4


@dataclass(frozen=True)
class AxisGeometry:
    """One axis of a U-Net of unpadded convolutions.

    Level ``i`` works on pixels ``2**i`` as large as those of the image. Each of the two paths takes
    ``LEVEL_LOSS`` pixels a level, the bottom once, so the axis loses ``12 * 2**depth - 8`` pixels.

    Attributes
    ----------
    depth
        Number of times the axis is halved.

    Examples
    --------
    >>> paper = AxisGeometry(depth=4)
    >>> paper.output_size(572), paper.input_size(388), paper.halo, paper.alignment
    (388, 572, 92, 16)
    """

    depth: int

    @property
    def alignment(self) -> int:
        """Distance of allowed tile starts, px: max-pooling repeats with this period."""
        return int(2**self.depth)

    @property
    def halo(self) -> int:
        """Pixels read beyond each end of the output."""
        return 6 * self.alignment - 4

    def output_size(self, size: int) -> int:
        """Give the output size of an input.

        Parameters
        ----------
        size
            Input size, px.

        Returns
        -------
        int
            Output size, px.

        Raises
        ------
        ValueError
            If some level cannot halve its input, with the next size that fits.
        """
        output = size - 2 * self.halo
        if output != self.fit_output(output):
            message = f"input of {size} px does not fit depth {self.depth}; next that fits: "
            raise ValueError(message + str(self.input_size(self.fit_output(output))))
        return output

    def input_size(self, output: int) -> int:
        """Give the input size for an output that fits.

        Parameters
        ----------
        output
            Output size, px, as given by `fit_output`.

        Returns
        -------
        int
            Input size, px.

        Raises
        ------
        ValueError
            If no input gives this output.
        """
        if output != self.fit_output(output):
            raise ValueError(f"no input gives {output} px at depth {self.depth}; next: {self.fit_output(output)} px")
        return output + 2 * self.halo

    def fit_output(self, least: int) -> int:
        """Give the smallest possible output of at least ``least`` px.

        Parameters
        ----------
        least
            Pixels wanted.

        Returns
        -------
        int
            Output size, px: 4 more than a multiple of `alignment`.

        Examples
        --------
        >>> AxisGeometry(depth=4).fit_output(380)
        388
        """
        blocks = max(0, -(-(least - SMALLEST_OUTPUT) // self.alignment))
        return blocks * self.alignment + SMALLEST_OUTPUT
