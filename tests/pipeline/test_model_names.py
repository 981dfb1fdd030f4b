from zfnet.pipeline.model_names import model_names


def test_short_names_where_they_tell_models_apart():
    assert model_names(["runs/alexnet", "runs/zfnet/", "best.keras"]) == ["alexnet", "zfnet", "best"]
    assert model_names(["a/net.keras", "b/net.keras", "other"]) == ["a/net.keras", "b/net.keras", "other"]
    assert model_names(["net", "net"]) == ["net (1)", "net (2)"]


def test_the_directory_that_one_is_in_has_its_name(tmp_path, monkeypatch):
    (tmp_path / "zfnet").mkdir()
    monkeypatch.chdir(tmp_path / "zfnet")
    assert model_names(["."]) == ["zfnet"]
