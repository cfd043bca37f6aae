"""Where pictures come from, by name: folders, tars, parquet, the web, a corpus; or made."""

from danqing.data.record import AnySource, Item, Record, Source, sources
from danqing.data.sources.corpus import OtherCorpus
from danqing.data.sources.folder import Folder
from danqing.data.sources.parquet import Parquet
from danqing.data.sources.planted import Planted
from danqing.data.sources.small_world import SmallWorld
from danqing.data.sources.urls import Urls
from danqing.data.sources.webdataset import WebDataset
from danqing.data.typeset import RenderedText

__all__ = [
    "AnySource",
    "Folder",
    "Item",
    "OtherCorpus",
    "Parquet",
    "Planted",
    "Record",
    "RenderedText",
    "SmallWorld",
    "Source",
    "Urls",
    "WebDataset",
    "sources",
]
