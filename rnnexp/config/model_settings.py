"""`model:` the stack of recurrent layers between the input and the output layer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.section import FilePath, Probability, Section, Size

__all__ = ["Characters", "Decoder", "ImageEncoder", "Init", "Model"]


class Init(Section):
    """How the weights start. Every block of four or three gates is initialised gate by gate."""

    input: Literal["glorot", "torch"] = "glorot"
    """W_xh: Glorot uniform, or torch's own uniform(-1/sqrt(H), 1/sqrt(H))"""
    recurrent: Literal["orthogonal", "identity", "spectral_radius", "glorot", "torch"] = (
        "orthogonal"
    )
    """W_hh: orthogonal, identity (IRNN), rescaled to a spectral radius, Glorot, or torch's own"""
    spectral_radius: Annotated[float, Field(gt=0, le=10)] | None = None
    """largest |eigenvalue| of W_hh, with recurrent: spectral_radius"""


class ImageEncoder(Section):
    """Reads an image: convolutions of 3x3, each halving height and width, then a linear layer."""

    channels: Annotated[tuple[Size, ...], Field(min_length=1, max_length=12)] = (16, 32)
    """feature maps of each convolution, first to last"""
    size: Size = 128
    """how many numbers the image becomes"""


class Characters(Section):
    """A small layer that reads each word character by character, in both directions.

    Its two final states are joined to the word's embedding, so that a word which training never
    showed is still told by its spelling. Of longer words the first and the last ten characters.
    """

    embedding: Size = 32
    """size of the embedding of a character"""
    hidden_size: Size = 64
    """H of each direction: a word gets 2H numbers beside its embedding"""
    cell: Literal["rnn", "lstm", "gru"] = "lstm"
    """the recurrent cell that reads the characters"""


class Pretrained(Section):
    """Embeddings from a text file, one `word v1 ... vn` a line, as word2vec and GloVe have them."""

    path: FilePath
    """the file, relative to the config that names it; a first line `count size` is no word"""
    frozen: bool = False
    """keep the embedding as it starts, words that the file does not have included"""


class Decoder(Section):
    """What writes the target of a delayed many_to_many; `model.` itself is about the encoder.

    Cell, activation, layer_norm, recurrent_dropout, init and forget_bias are the same in both.
    """

    hidden_sizes: Annotated[tuple[Size, ...], Field(min_length=1, max_length=64)] | None = None
    """H of each recurrent layer, first to last (default: the encoder's)"""
    embedding: Size | None = None
    """size of the embedding of target tokens (default: model.embedding; one-hot without that)"""
    attention: Literal["none", "dot", "general", "additive"] = "general"
    """how steps of the source are scored: q.m, q.Wm or v.tanh(Wq + Wm); general costs least"""
    input_feeding: bool = False
    """each step also reads what attention found in the step before (Luong et al. 2015); slower,
    since the target then goes through step by step"""
    bridge: Literal["linear", "copy", "zero"] = "linear"
    """the decoder's first state: tanh(W s + b) of the final states of the encoder's top layer; the
    final states as they are, layer by layer; or its own"""
    dropout: Probability = 0.0
    """dropout on the embeddings of source and target, and on what the output layer reads"""
    tied_embedding: bool = False
    """the output layer shares the target embedding's weights, and so what it reads,
    tanh(W_r [context; h]), has the size of the embedding"""


class Model(Section):
    """Stacked recurrent layers, then one linear output layer."""

    cell: Literal["rnn", "lstm", "gru"] = "lstm"
    """the recurrent cell of every layer"""
    activation: Literal["tanh", "relu"] | None = None
    """nonlinearity of the plain cell (default tanh); LSTM and GRU have their own"""
    hidden_sizes: Annotated[tuple[Size, ...], Field(min_length=1, max_length=64)] = (64,)
    """H of each recurrent layer, first to last; sizes may differ"""
    recurrence: Literal["hidden_to_hidden", "output_to_hidden", "output_to_output"] = (
        "hidden_to_hidden"
    )
    """what is fed back to the next time step: h, or the layer's output o (plain cell only), which
    is a tanh layer of size H, and on top the network's own output"""
    bidirectional: bool = False
    """read the sequence in both directions"""
    merge: Literal["concat", "sum", "mean"] | None = None
    """how the two directions are joined (default concat)"""
    return_sequences: Literal["auto"] | tuple[bool, ...] = "auto"
    """derived, or one true/false per recurrent layer that is checked against the task"""
    dropout: Probability = 0.0
    """dropout between recurrent layers, new mask at every step"""
    input_dropout: Probability = 0.0
    """dropout on what the first recurrent layer reads: embedded tokens or values"""
    output_dropout: Probability = 0.0
    """dropout on what the output layer reads"""
    word_dropout: Probability = 0.0
    """in training a token is read as the unknown one with this probability"""
    recurrent_dropout: Probability = 0.0
    """variational dropout on h_{t-1}: one mask per sequence (or truncated window), for all steps"""
    layer_norm: bool = False
    """layer normalisation inside the cell (Ba, Kiros, Hinton 2016)"""
    init: Init = Init()
    """how the weights start"""
    forget_bias: Literal["chrono"] | Annotated[float, Field(ge=-20, le=20)] | None = None
    """bias of the LSTM's forget gate at the start (default 1); chrono: log U(1, T - 1), the
    opposite for the input gate (Tallec, Ollivier 2018), and for the GRU's update gate z too"""
    initial_state: Literal["zero", "learned"] | None = None
    """h_0 of every layer: zeros (default), or a trained vector"""
    pooling: Literal["last", "mean", "max"] | None = None
    """where there is one answer: read it off the last valid step (default), or off the mean or the
    largest value of every unit over all valid steps"""
    embedding: Size | None = None
    """size of the embedding of tokens; one-hot where it is left out"""
    pretrained: Pretrained | None = None
    """start the embedding from a file of word vectors"""
    characters: Characters | None = None
    """read each word character by character too (needs embedding)"""
    tied_embedding: bool = False
    """the output layer shares the embedding's weights (needs embedding = last hidden size)"""
    image_encoder: ImageEncoder | None = None
    """convolutions that read the image of a one_to_many; without them its pixels are one vector"""
    decoder: Decoder | None = None
    """the decoder of a delayed many_to_many; null takes every default"""
    input_size: Size | None = None
    """I, features per step: taken from the data; where given, the data must agree"""
