"""`python -m mserve`, and the `mserve` command. Holds nothing else."""


def main() -> None:
    """Run the command line."""
    from .cli.app import app  # noqa: PLC0415  # importing this module must not import the command line
    from .server.leaving import leaving  # noqa: PLC0415

    with leaving():
        app()


if __name__ == "__main__":
    main()
