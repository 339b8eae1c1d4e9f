import threading
from unittest.mock import Mock

import pytest
import torch

from napari_unet.models import memory_reuse
from napari_unet.models.memory_reuse import reuse_memory

CPU = torch.device("cpu")


@pytest.fixture
def library(monkeypatch):
    """A C library that only remembers what it was told."""
    fake = Mock()
    monkeypatch.setattr(memory_reuse, "_library", lambda: fake)
    return fake


def told(library):
    return [call.args for call in library.mallopt.call_args_list]


def test_memory_is_kept_inside_and_given_back_after(library):
    with reuse_memory(CPU):
        assert dict(told(library)) == memory_reuse._KEEPING
        library.malloc_trim.assert_not_called()
    assert dict(told(library)) == memory_reuse._USUAL
    library.malloc_trim.assert_called_once_with(0)


def test_the_last_of_several_gives_back(library):
    with reuse_memory(CPU):
        with reuse_memory(CPU):
            pass
        assert dict(told(library)) == memory_reuse._KEEPING
    assert dict(told(library)) == memory_reuse._USUAL


def test_it_is_given_back_after_an_error_and_from_another_thread(library):
    outer = reuse_memory(CPU)
    outer.__enter__()
    with pytest.raises(ValueError), reuse_memory(CPU):
        raise ValueError
    library.malloc_trim.assert_not_called()
    thread = threading.Thread(target=outer.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    library.malloc_trim.assert_called_once_with(0)


def test_nothing_is_touched_on_a_gpu(library):
    with reuse_memory(torch.device("cuda")):
        pass
    assert not library.mock_calls


def test_without_such_a_library_nothing_happens(monkeypatch):
    monkeypatch.setattr(memory_reuse.sys, "platform", "darwin")
    with reuse_memory(CPU):
        assert memory_reuse._users == 0


def test_a_freed_array_is_not_taken_from_the_system_again():
    resource = pytest.importorskip("resource")
    if memory_reuse._library() is None:
        pytest.skip("this C library decides on its own")

    def faults():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            torch.ones(2**22)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with reuse_memory(CPU):
        faults()  # how many arrays it takes until the freed ones are used depends on where the system puts the first
        kept = faults()
    # 20 arrays of 16 MB are 80 000 pages.
    assert kept < 8000
