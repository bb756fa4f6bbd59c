"""Adagrad with sparse gradients of an EmbeddingBag, in batches."""

import numpy as np
import torch

from benchmarks.peers.rows import sigmoids


class Peer:
    def __init__(self, rows, folder):
        self.n_columns, self.n_classes = rows.X.shape[1], rows.n_classes
        self.indptr = rows.X.indptr
        self.indices = torch.from_numpy(rows.X.indices.astype(np.int64))
        self.data = torch.from_numpy(rows.X.data)
        self.y = torch.from_numpy(rows.y.astype(np.float32 if rows.n_classes == 2 else np.int64))

    def fit(self, threads, epochs, lr, batch):
        torch.manual_seed(0)
        torch.set_num_threads(threads)
        n_outputs = self.n_classes if self.n_classes > 2 else 1
        self.bag = torch.nn.EmbeddingBag(self.n_columns, n_outputs, mode="sum", sparse=True)
        torch.nn.init.zeros_(self.bag.weight)
        self.bias = torch.zeros(n_outputs, requires_grad=True)
        optimizer = torch.optim.Adagrad([self.bag.weight, self.bias], lr=lr)
        loss_of = torch.nn.CrossEntropyLoss()
        if n_outputs == 1:
            loss_of = torch.nn.BCEWithLogitsLoss()
        for _ in range(epochs):
            for start in range(0, len(self.y), batch):
                stop = min(start + batch, len(self.y))
                offsets = self.indptr[start : stop + 1]
                first, last = int(offsets[0]), int(offsets[-1])
                optimizer.zero_grad()
                margins = self.bag(
                    self.indices[first:last],
                    torch.from_numpy((offsets[:-1] - first).astype(np.int64)),
                    per_sample_weights=self.data[first:last],
                )
                margins = margins + self.bias
                loss = loss_of(margins.squeeze(1), self.y[start:stop])
                loss.backward()
                optimizer.step()

    def predict_proba(self, rows):
        margins = rows.X @ self.bag.weight.detach().numpy() + self.bias.detach().numpy()
        if self.n_classes == 2:
            return sigmoids(margins)
        return torch.softmax(torch.from_numpy(margins), 1).numpy()
