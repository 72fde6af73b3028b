"""What download and preprocess have done to a dataset of one's own, in words for the page."""

from dataset.dataset import Dataset


def describe_preparation(data: Dataset) -> dict[str, str]:
    """A sentence for each thing that was done to the images, by a name for it."""
    origin, said = data.origin, {}
    if origin["test_size"] is not None:
        said["test_size"] = (
            f"The dataset has no test part: {100 * origin['test_size']:g} % of each class, chosen"
            " at random, became one, and no model was trained on it."
        )
    if data.x_validation is not None:
        count = f"{len(data.x_validation):,} images"
        said["validation"] = f"Its own validation part, {count}, is the validation part."
    if origin["colour"]:
        said["colour"] = (
            "Colour was turned to grey, by 0.299 of red, 0.587 of green and 0.114 of blue."
        )
    if origin["transposed"]:
        said["transpose"] = "Rows and columns of each image were exchanged (download.transpose)."
    if origin["resized"]:
        size = "x".join(map(str, origin["resized"]))
        said["resize"] = f"Each image was resized to {size} pixels (download.resize)."
    return said
