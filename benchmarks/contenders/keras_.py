"""Keras 3 on TensorFlow: its own VAE example with the layers of the workload, as a graph, by `fit`."""

from __future__ import annotations

import math
import os
from types import SimpleNamespace

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from gate import Gate, ordered
from keras import layers


class Passing(keras.callbacks.Callback):
    """Passes the gate after each step."""

    def __init__(self, gate: Gate):
        super().__init__()
        self.gate = gate

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.gate()


class KerasVAE(keras.Model):
    """The negative bound of a batch, and its gradient."""

    def __init__(self, encoder: keras.Model, decoder: keras.Model):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.total = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list:
        return [self.total]

    def train_step(self, data: tf.Tensor) -> dict:
        x = tf.cast(tf.random.uniform(tf.shape(data)) < data, tf.float32)
        with tf.GradientTape() as tape:
            loss = self.bound(x)
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.total.update_state(loss)
        return {"loss": self.total.result()}

    def bound(self, x: tf.Tensor) -> tf.Tensor:
        mean, log_variance = self.encoder(x)
        z = mean + tf.random.normal(tf.shape(mean)) * tf.exp(0.5 * log_variance)
        errors = keras.losses.binary_crossentropy(x, self.decoder(z))
        rate = -0.5 * tf.reduce_sum(1 + log_variance - tf.square(mean) - tf.exp(log_variance), 1)
        pixels = x.shape[-1]  # the cross-entropy is a mean over the last axis
        return pixels * tf.reduce_mean(tf.reduce_sum(errors, axis=(1, 2))) + tf.reduce_mean(rate)


def gated(x: keras.KerasTensor, units: int) -> keras.KerasTensor:
    return layers.Multiply()([layers.Dense(units)(x), layers.Dense(units, activation="sigmoid")(x)])


def encoder(workload: SimpleNamespace) -> keras.Model:
    channels, height, width = workload.shape
    image = x = keras.Input((height, width, channels))
    for each in workload.channels:
        x = layers.Conv2D(each, 3, activation="relu", strides=2, padding="same")(x)
    x = layers.Flatten()(x)
    for units in workload.width:
        x = layers.Dense(units, activation="relu")(x) if workload.channels else gated(x, units)
    [latent] = workload.latent
    return keras.Model(image, [layers.Dense(latent)(x), layers.Dense(latent)(x)])


def decoder(workload: SimpleNamespace) -> keras.Model:
    channels, height, width = workload.shape
    z = x = keras.Input((workload.latent[0],))
    if workload.channels:
        halved = 2 ** len(workload.channels)
        smallest = (height // halved, width // halved, workload.channels[-1])
        x = layers.Reshape(smallest)(layers.Dense(math.prod(smallest), activation="relu")(x))
        for each in reversed(workload.channels):
            x = layers.Conv2DTranspose(each, 3, activation="relu", strides=2, padding="same")(x)
        return keras.Model(z, layers.Conv2DTranspose(channels, 3, activation="sigmoid", padding="same")(x))
    for units in workload.width:
        x = gated(x, units)
    x = layers.Dense(math.prod(workload.shape), activation="sigmoid")(x)
    return keras.Model(z, layers.Reshape((height, width, channels))(x))


def main() -> None:
    gate, workload = Gate(), ordered()
    tf.config.threading.set_intra_op_parallelism_threads(int(os.environ.get("OMP_NUM_THREADS", "0")))
    images = np.load(workload.path).transpose(0, 2, 3, 1).astype("float32") / 255
    model = KerasVAE(encoder(workload), decoder(workload))
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    model.fit(images, epochs=10**6, batch_size=workload.batch, verbose=0, callbacks=[Passing(gate)])


main()
