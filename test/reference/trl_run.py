"""One training run of TRL and PEFT on question rows, with what went into each micro-batch and what came out of each step."""
import tempfile
import time

from datasets import Dataset
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer


def conversations(rows):
    """The rows as prompt and completion, in the words of the medical recipe."""
    return Dataset.from_list([dict(prompt=[dict(role="user", content=row["Question"])],
                                   completion=[dict(role="assistant", content=f"{row['Complex_CoT']}\n\nFinal Answer: {row['Response']}")]) for row in rows])


def train(model, rows, tokenizer, *, max_length, packing, batch_size, accumulate, lr, schedule, warmup, weight_decay, clip, seed, steps=-1, epochs=3, on_step=lambda step: None):
    """Trains in float32 on the CPU. Returns the trainer and a list of steps; a micro-batch is the list of its documents, (ids, labels)."""
    micro, log = [], []

    class Recorder(TrainerCallback):
        def on_step_begin(self, args, state, control, **kw):
            self.start = time.perf_counter()

        def on_step_end(self, args, state, control, **kw):
            self.seconds = time.perf_counter() - self.start

        def on_log(self, args, state, control, logs=None, **kw):
            if logs and "loss" in logs:
                log.append(dict(step=state.global_step, loss=logs["loss"], grad_norm=logs["grad_norm"], lr=logs["learning_rate"], seconds=self.seconds, batches=micro.copy()))
                micro.clear()
                on_step(log[-1])

    class Recorded(SFTTrainer):
        def training_step(self, model, inputs, *args):
            micro.append(documents_of(inputs))
            return super().training_step(model, inputs, *args)

    with tempfile.TemporaryDirectory() as folder:
        trainer = Recorded(model=model, processing_class=tokenizer, train_dataset=conversations(rows), callbacks=[Recorder()], args=SFTConfig(
            output_dir=folder, max_steps=steps, num_train_epochs=epochs, per_device_train_batch_size=batch_size, gradient_accumulation_steps=accumulate,
            max_length=max_length, packing=packing, learning_rate=lr, lr_scheduler_type=schedule, warmup_steps=warmup, weight_decay=weight_decay,
            max_grad_norm=clip, seed=seed, logging_steps=1, save_strategy="no", report_to="none", use_cpu=True, bf16=False, gradient_checkpointing=False,
            dataloader_pin_memory=False, disable_tqdm=True))
        trainer.train()
    return trainer, log


def documents_of(inputs):
    """The documents of a micro-batch without padding: a row each, or cut where positions begin anew."""
    ids, labels = inputs["input_ids"].tolist(), inputs["labels"].tolist()
    if "position_ids" in inputs:
        starts = [i for i, position in enumerate(inputs["position_ids"][0].tolist()) if position == 0] + [len(ids[0])]
        return [(ids[0][start:end], labels[0][start:end]) for start, end in zip(starts, starts[1:])]
    lengths = inputs["attention_mask"].sum(1).tolist()
    return [(row[:n], label[:n]) for row, label, n in zip(ids, labels, lengths)]
