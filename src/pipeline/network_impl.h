// What a Network is made of: the interface of its file, and what comes with it.
#ifndef PREFIQS_PIPELINE_NETWORK_IMPL_H_
#define PREFIQS_PIPELINE_NETWORK_IMPL_H_

#include <cstdint>
#include <optional>
#include <string>

#include <prefiqs/network.h>

#include "graph/graph.h"
#include "model/denormal_count.h"
#include "pipeline/interface.h"
#include "prune/prune.h"

namespace prefiqs {

struct Network::Impl : pipeline::Interface {
  std::string path;
  std::string sidecar;       // that is written
  std::string read_sidecar;  // that was read, if there was one: MODEL.json, where the other is new
  std::string content_hash;
  model::DenormalCount denormals;  // of the file
  Preprocessing preprocessing;
  PreprocessingSource preprocessing_source = PreprocessingSource::kAssumed;
  std::optional<Recipe> stored_recipe;
  bool is_pruned = false;
  bool tells_quality = false;
  std::optional<Calibration> calibration;

  // The graph for one picture, or for as many as the file is fixed to; every shape known. Throws Error(kModel) that
  // names the file.
  graph::Graph Specialised() const;
  // What they are for that.
  const prune::InputShapes& InputShapes() const { return shapes; }
  // Throws Error(kRecipe) and Error(kModel).
  prune::Masks Masks(const Recipe& recipe) const;
  // Throws Error(kRecipe) that names the file where is_pruned.
  void CheckNotPruned() const;
};

namespace pipeline {

// Keys of a network file's metadata.
inline constexpr const char* kPreprocessingKey = "prefiqs.preprocessing";
inline constexpr const char* kRecipeKey = "prefiqs.recipe";
inline constexpr const char* kCalibrationKey = "prefiqs.calibration";
inline constexpr const char* kPrunedFromKey = "prefiqs.pruned_from";  // content hash; there in pruned networks only
inline constexpr const char* kSparsityKey = "prefiqs.sparsity";       // achieved
inline constexpr const char* kVersionKey = "prefiqs.version";

}  // namespace pipeline
}  // namespace prefiqs

#endif  // PREFIQS_PIPELINE_NETWORK_IMPL_H_
