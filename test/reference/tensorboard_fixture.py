"""Writes test/fixtures/tensorboard.json: event records as TensorBoard's own writer makes them (tensorboard 2.21)."""
import io
import json
import pathlib

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.summary.writer.record_writer import RecordWriter

TIME = 1764082800.125


def record(event):
    stream = io.BytesIO()
    RecordWriter(stream).write(event.SerializeToString())
    return stream.getvalue().hex()


def scalars(step, values):
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values])
    return record(Event(wall_time=TIME, step=step, summary=summary))


def text(step, tag, words):
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=7, tensor_shape=shape, string_val=[words.encode()])
    value = Summary.Value(tag=tag, metadata=metadata, tensor=tensor)
    return record(Event(wall_time=TIME, step=step, summary=Summary(value=[value])))


fixture = {
    "time": TIME,
    "version": record(Event(wall_time=TIME, file_version="brain.Event:2")),
    "scalars": scalars(300, [("train/loss", 2.5), ("train/lr", 1e-4), ("eval/x/nan", float("nan"))]),
    "text": text(70000, "sample/Was ist das?", "Grüße <b>\n" + "lang " * 60),
}
pathlib.Path(__file__).parents[1].joinpath("fixtures/tensorboard.json").write_text(json.dumps(fixture) + "\n")
