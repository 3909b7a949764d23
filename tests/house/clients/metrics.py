"""Reads the numbers as Prometheus does, in both forms: its own parsers find nothing to complain of."""

import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic

url = sys.argv[1]


def families(parse, accept):
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept})) as reply:
        return {family.name: family for family in parse(reply.read().decode())}


new = families(openmetrics, "application/openmetrics-text; version=1.0.0")
old = families(classic, "text/plain")
assert set(new) == {"posthouse_build" if name == "posthouse_build_info" else name for name in old}, set(new) ^ set(old)
for family in new.values():
    assert family.documentation and family.type != "unknown", family
assert new["posthouse_messages"].type == old["posthouse_messages"].type == "counter"
assert new["posthouse_delivery_seconds"].type == "histogram"
assert {"process_cpu_seconds", "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"} <= set(new)
print("ok")
