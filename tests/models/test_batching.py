from vaekit.models.batching import chunks


def test_portions_add_up():
    assert list(chunks(10, 4)) == [4, 4, 2]
    assert list(chunks(8, 4)) == [4, 4]
    assert list(chunks(3, 4)) == [3]
