"""ZFNet as a PyTorch module with the weights of a Keras one, for peers that know PyTorch alone."""


def zfnet_in_torch(model, layer: str):
    """Copies a Keras ZFNet, from the image to the output of one layer.

    Args:
        model: made by `zfnet.model.build`, for centred values and with an input scale of 1.
        layer: name of the last layer to copy, at most `pool5`.

    Returns:
        A `torch.nn.Sequential` in evaluation mode: float tensor `(N, 3, H, W)` to `(N, maps, height, width)`.

    Raises:
        ValueError: if a layer below `layer` is none of ZFNet's.
    """
    import torch

    module = torch.nn.Sequential()
    for keras_layer in model.layers[: model.layers.index(model.get_layer(layer)) + 1]:
        for part in _parts(keras_layer):
            module.append(part)
    return module.eval().requires_grad_(False)


def _parts(layer) -> list:
    from torch import nn

    kind = type(layer).__name__
    if kind == "InputLayer":
        return []
    if kind == "ZeroPadding2D":
        (top, bottom), (left, right) = layer.padding
        return [nn.ZeroPad2d((left, right, top, bottom))]
    if kind == "Conv2D":
        # A ReLU that is a module of its own is what captum asks for.
        return [_convolution(layer), nn.ReLU()]
    if kind == "MaxPooling2D":
        return [_max_pool(layer)]
    if kind == "ContrastNormalization":
        # PyTorch divides alpha by the number of maps, TensorFlow does not.
        return [nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2.0)]
    raise ValueError(f"Layer {layer.name!r} is a {kind}; ZFNet has none below its pool5.")


def _convolution(layer):
    import torch

    kernel, bias = (torch.from_numpy(weights) for weights in layer.get_weights())
    height, width, maps_below, maps = kernel.shape
    # With odd filters and steps of 1, which is all that ZFNet has, `same` is this padding.
    padding = (height // 2, width // 2) if layer.padding == "same" else 0
    convolution = torch.nn.Conv2d(maps_below, maps, (height, width), layer.strides, padding)
    convolution.load_state_dict({"weight": kernel.permute(3, 2, 0, 1).contiguous(), "bias": bias})
    return convolution


def _max_pool(layer):
    from torch import nn

    if layer.padding == "valid":
        return nn.MaxPool2d(3, 2)
    # TensorFlow's `same` for windows of 3 and steps of 2: one row after an even number of rows, one on each side of an odd number.
    return nn.MaxPool2d(3, 2, padding=tuple(length % 2 for length in layer.input.shape[1:3]), ceil_mode=True)
