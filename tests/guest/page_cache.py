# SPDX-License-Identifier: MIT
"""Page cache that is charged to a group: 8 MiB, of which 2 MiB are read all the time."""
from pages import *


def check_cache(out, name):
    whole = used = nr = 0
    for by_pid in scans(out + "/trace").values():
        if 0 not in by_pid:
            continue
        whole = max(whole, len(by_pid[0].observed))
        used = len(by_pid[0].accessed)
        # Pages that wait for an LRU list are not observed; dd and sh have files of their
        # own that are not mapped for a while.
        assert used <= 512 + 64, f"{used} pages of the cache accessed"
        nr += used >= 512 - 64
    assert 2048 - 64 <= whole <= 2048 + 128, f"{whole} pages of the cache"
    assert nr >= 2, f"only {nr} scans with the part that is read"
    for by_pid in scans(out + "/mapped").values():
        assert 0 not in by_pid, "page cache that was not asked for"
    print(f"figure: page cache, cgroup {name}: {whole} pages (truth 2048), of these {used} "
          f"accessed (truth 512), in {nr} scans")
