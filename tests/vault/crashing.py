"""A child process, to be killed: keeps SOURCE in the vault at ROOT, and prints its manifest."""

import sys
from pathlib import Path

from emeritus.vault import LocalStore, Vault


def main() -> None:
    """Preserve, and then keep a document, as the archive does with its manifests."""
    root, source = map(Path, sys.argv[1:3])
    vault = Vault(LocalStore(root), threads=1)
    receipt = vault.preserve(source, journal=root.with_suffix(".journal"))
    vault.put_document(b"a document")
    sys.stdout.write(receipt.manifest + "\n")


if __name__ == "__main__":
    main()
