// A detector network, compiled for each canvas it is asked for.
#ifndef PREFIQS_FACE_NETWORK_H_
#define PREFIQS_FACE_NETWORK_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefiqs/detector.h>
#include <prefiqs/image.h>

#include "engine/executor.h"
#include "face/decoder.h"
#include "face/letterbox.h"
#include "graph/graph.h"

namespace prefiqs::face {

// Compiles a specialised graph; engine::CompileOneDnn, or another in tests.
using Compile = std::unique_ptr<const engine::Executor> (*)(const graph::Graph& graph);

// Thread-safe: plans are compiled once and shared, every run has a workspace to itself.
class DetectorNetwork {
 public:
  // `graph`: as read. `name` stands for the file in messages. Throws Error(kModel) where it is no detector with
  // landmarks, with what was found instead.
  DetectorNetwork(graph::Graph graph, std::string name, Compile compile);

  // Set when the network takes pictures of one size only.
  const std::optional<Canvas>& fixed_canvas() const { return fixed_canvas_; }
  const std::string& family() const { return family_; }

  // Faces in picture coordinates after suppression, most confident first; where options set no confidence, `share` of
  // the family's own is enough. Throws Error(kModel) when the network cannot be compiled for the canvas.
  std::vector<Face> Run(const Image& picture, const Placement& placement, const DetectorOptions& options,
                        float share = 1) const;

  // What runs the layers, for a canvas.
  std::vector<engine::LayerReport> Layers(Canvas canvas) const;

 private:
  struct Workspace;
  struct Plan;
  struct Slot;  // of one canvas, compiled or not

  Plan& PlanFor(Canvas canvas) const;
  graph::Graph SpecialiseFor(Canvas canvas) const;
  [[noreturn]] void Refuse(const graph::Graph& specialised) const;

  graph::Graph graph_;
  std::string name_;
  Compile compile_;
  std::optional<Canvas> fixed_canvas_;
  std::string family_;

  mutable std::mutex mutex_;  // of slots_ alone; compiling holds the slot's
  mutable std::map<std::pair<int, int>, std::shared_ptr<Slot>> slots_;

 public:
  ~DetectorNetwork();
};

}  // namespace prefiqs::face

#endif  // PREFIQS_FACE_NETWORK_H_
