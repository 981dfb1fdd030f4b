from zfnet.components.figures.picture_name import picture_name


def test_no_two_layers_share_a_file():
    layers = ["conv", "a/b", "a_b", "a%2Fb", "a#2"]
    names = [picture_name("gallery", layer) for layer in layers]
    assert len(set(names)) == len(layers)
    assert not any("/" in name for name in names)
    assert names[0] == "gallery_conv.png"
