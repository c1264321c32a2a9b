"""What moto does anew for every request, or for every item that a table holds, done in a way that stays fast as tables
grow. The answers are the same. The ways are those of the version that tests/services/moto pins."""

import copy
import functools

import jsonpath_ng.ext
import jsonpath_ng.ext.parser
import moto.backends
import moto.core.responses
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

MODULES = tuple(moto.backends.list_of_moto_modules())
QUERY = Table.query
UPDATE_ITEM = DynamoDBBackend.update_item


def apply():
    """To be called once, before the first request."""
    # EventBridge parses the same few expressions for every event and target.
    parse = functools.lru_cache(maxsize=1024)(jsonpath_ng.ext.parser.parse)
    jsonpath_ng.ext.parser.parse = jsonpath_ng.ext.parse = parse
    # Every request lists the folders and the methods of moto itself.
    moto.backends.list_of_moto_modules = lambda: MODULES
    moto.core.responses.method_names_from_class = functools.cache(moto.core.responses.method_names_from_class)
    Table.query = query
    Table.all_items = lambda table: in_order(items(table))
    Table.__deepcopy__ = copy_of_table
    DynamoDBBackend.update_item = update_item


def query(self, hash_key, comparison, values, limit, start, forward, projections, index_name=None, *args, **kwargs):
    """As moto's, which sorts all items of the table before it looks for those of one partition."""
    if index_name:
        wanted = [(name, value.type, value.value) for name, value in kwargs.get("hash_key_conditions") or ()]
        found = [
            item
            for item in items(self)
            if all((value := item.attrs.get(n)) is not None and (value.type, value.value) == (t, v) for n, t, v in wanted)
        ]
    elif self.range_key_attr:
        found = list(self.items.get(hash_key, {}).values())
    else:
        found = [self.items[hash_key]] if hash_key in self.items else []
    self.all_items = lambda: in_order(found)
    try:
        return QUERY(self, hash_key, comparison, values, limit, start, forward, projections, index_name, *args, **kwargs)
    finally:
        del self.all_items


def items(table):
    for partition in table.items.values():
        if table.range_key_attr:
            yield from partition.values()
        else:
            yield partition


def in_order(found):
    """By key, as moto sorts, which compares its own type of value; that takes ten times as long."""
    found = list(found)
    found.sort(key=lambda item: (item.hash_key.cast_value, item.range_key.cast_value if item.range_key else 0))
    return found


def copy_of_table(self, _memo):
    """What a transaction goes back to when it fails. Its items are shared: see [update_item]."""
    found = self.__class__.__new__(self.__class__)
    found.__dict__.update(self.__dict__)
    found.items = self.items.copy()
    if self.range_key_attr:
        for key, partition in found.items.items():
            found.items[key] = partition.copy()
    return found


def update_item(self, table_name, key, *args, **kwargs):
    """As moto's, which changes items where they stand: here in a copy, so that copies of the table keep the old one."""
    table = self.get_table(table_name)
    hash_key, range_key = self.get_keys_value(table, key)
    stands = table.get_item(hash_key, range_key)
    if stands is not None:
        if table.range_key_attr:
            table.items[hash_key][range_key] = copy.deepcopy(stands)
        else:
            table.items[hash_key] = copy.deepcopy(stands)
    return UPDATE_ITEM(self, table_name, key, *args, **kwargs)
