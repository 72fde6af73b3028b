"""What download and preprocess did to the user's own dataset, in sentences for the page."""

from dataset.dataset import Dataset


def describe_preparation(data: Dataset) -> dict[str, str]:
    """A sentence for each change of the images, by the name of the change."""
    origin, said = data.origin, {}
    if origin["test_size"] is not None:
        said["test_size"] = (
            f"The dataset has no test part, so {100 * origin['test_size']:g} % of each class,"
            " chosen at random, became the test part. No model was trained on it."
        )
    if data.x_validation is not None:
        count = f"{len(data.x_validation):,} images"
        said["validation"] = f"The dataset has its own validation part of {count}."
    if origin["colour"]:
        said["colour"] = (
            "Colour images were converted to grey: 0.299 red + 0.587 green + 0.114 blue."
        )
    if origin["transposed"]:
        said["transpose"] = "Rows and columns of each image were swapped (download.transpose)."
    if origin["resized"]:
        size = "x".join(map(str, origin["resized"]))
        said["resize"] = f"Each image was resized to {size} pixels (download.resize)."
    return said
