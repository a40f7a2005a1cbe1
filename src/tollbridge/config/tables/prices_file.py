"""`general_settings.prices_file`: lists of prices in the place of the catalog's."""

from __future__ import annotations

from pathlib import Path

from tollbridge.catalog.price_file import read_price_file
from tollbridge.catalog.price_names import dear
from tollbridge.config.document import Node
from tollbridge.config.kinds import At, named
from tollbridge.config.settings import FiledPriceList

BYTES_MAX = 16 * 1024 * 1024


def prices_file(node: Node, at: At) -> FiledPriceList:
    """A relative path counts from the configuration file. One that is not there yet is to be written by
    `tollbridge prices update`; one that cannot be read whole is an error: nothing is charged by half a list."""
    path = Path(node.place.file).parent / named(node, at)
    try:
        if path.stat().st_size > BYTES_MAX:
            raise ValueError(f"it is larger than {BYTES_MAX // 1024**2} MiB")
        models = read_price_file(path.read_bytes()).models
    except FileNotFoundError:
        at.warning(
            node.place, f"there is no file {path} yet: the catalog's prices count; `tollbridge prices update` writes it"
        )
        return FiledPriceList(path=path)
    except OSError as error:
        at.error(node.place, f"{path} cannot be read: {error.strerror or error}")
        return FiledPriceList(path=path)
    except ValueError as error:
        at.error(node.place, f"{path} is no file of prices: {error}")
        return FiledPriceList(path=path)
    for model, entry in models.items():
        odd = next((told for price, rate in entry.prices.items() if (told := dear(price, rate)) is not None), None)
        if odd is not None:
            at.warning(node.place, f"{path}: {model}: {odd}")
    return FiledPriceList(path=path, models=models)
