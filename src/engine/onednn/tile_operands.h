// Which convolutions run by tiles (engine/tiles.h), and how what they read lies in the arena.
#ifndef PREFIQS_ENGINE_ONEDNN_TILE_OPERANDS_H_
#define PREFIQS_ENGINE_ONEDNN_TILE_OPERANDS_H_

#include <optional>

#include "engine/onednn/builder.h"
#include "engine/tiles.h"
#include "graph/graph.h"

namespace prefiqs::engine::onednn {

// Whether there are tiles, and oneDNN's cap on instructions lets us use them.
bool UsesTiles();

// How a convolution runs by tiles: on a picture of every `sampling`th pixel of every `sampling`th row.
struct TilePlan {
  TileShape shape;
  std::int64_t sampling = 1;
};

// How `node` runs by tiles; nothing where it does not. The answer is the same while the plan grows: who makes its input
// asks as well.
std::optional<TilePlan> TilesOf(const Builder& builder, const graph::Node& node);

// TilesOf the only reader of `id` that wants to load tiles from it; nothing where there is none.
std::optional<TilePlan> TilesFrom(const Builder& builder, graph::ValueId id);

// So many faces, one behind the other. No primitive reads this: only what runs by tiles may be its reader.
Desc PictureDesc(const TilePicture& picture, std::int64_t faces);

// Whether AddPicture can read what lies so.
bool IsPictureSource(const Desc& desc);

// Adds the step that makes `function` of `source` a picture for `plan`.
Operand AddPicture(Builder& builder, const TilePlan& plan, const Operand& source, ChannelFunction function);

// Input 0 of the node whose plan it is.
Operand ReadPicture(Builder& builder, graph::ValueId id, const TilePlan& plan);

}  // namespace prefiqs::engine::onednn

#endif  // PREFIQS_ENGINE_ONEDNN_TILE_OPERANDS_H_
