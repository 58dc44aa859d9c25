"""Readers of the user's own files; each returns `RawData`.

Only `vaekit.data` and the explorer's uploads import them.

    user           choose the reader by the path
    numpy          .npy and .npz
    sparse         sparse tables of counts: .npz of scipy, .mtx, .h5ad
    csv            tables of numbers
    idx            the format of MNIST
    image_folder   a folder of images
    shards         a folder of .npy or .npz files
    webdataset     tar files of pictures or arrays
    arrow          Parquet and Arrow, by Hugging Face datasets
    zarr           Zarr; hdf5 reads HDF5 and .mat
    encoded        pictures inside other files
    image          one image
    raw, guard     what the readers share: `RawData`, one-line errors, size limits
"""
