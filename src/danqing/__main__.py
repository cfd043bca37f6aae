"""`python -m danqing` is `danqing`."""

from danqing.cli.main import main

if __name__ == "__main__":
    main()
