"""Devices are described as this machine has them."""

from __future__ import annotations

from napari_unet.inference.devices import DeviceInfo, list_devices
from napari_unet.models.device import available_devices


def test_all_devices_are_listed_with_their_memory() -> None:
    devices = list_devices()
    assert [device.kind for device in devices] == available_devices()
    for device in devices:
        assert device.free_bytes > 0
        assert device.total_bytes is None or device.total_bytes >= device.free_bytes


def test_memory_is_written_for_people() -> None:
    assert str(DeviceInfo("cuda", "GPU", 3 * 2**29, 8 * 2**30)) == "GPU, 1.5 of 8 GB free"
    assert str(DeviceInfo("cpu", "CPU", 2**30, None)) == "CPU, 1.0 GB free"
