"""The entry point of the command `chargewire`."""

from chargewire.cli import chargewire


def main() -> None:
    """Run the command line; exits the process."""
    chargewire(prog_name="chargewire")


if __name__ == "__main__":
    main()
