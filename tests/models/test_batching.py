from vaekit.models.batching import chunk_sizes


def test_chunk_sizes_add_up():
    assert list(chunk_sizes(10, 4)) == [4, 4, 2]
    assert list(chunk_sizes(8, 4)) == [4, 4]
    assert list(chunk_sizes(3, 4)) == [3]
