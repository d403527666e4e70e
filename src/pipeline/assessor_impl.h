// What an Assessor is made of.
#ifndef PREFIQS_PIPELINE_ASSESSOR_IMPL_H_
#define PREFIQS_PIPELINE_ASSESSOR_IMPL_H_

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <prefiqs/assessor.h>

#include "base/helpers.h"
#include "engine/twin.h"
#include "pipeline/faces.h"
#include "pipeline/stochastic.h"

namespace prefiqs {
namespace pipeline {

// Scratch for runs of a twin, kept for the next run. Thread-safe.
class ContextPool {
 public:
  explicit ContextPool(const engine::Twin& twin) : twin_(twin) {}

  class Lease {
   public:
    Lease(ContextPool& pool, std::unique_ptr<engine::Context> context) : pool_(pool), context_(std::move(context)) {}
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    engine::Context& operator*() const { return *context_; }

   private:
    ContextPool& pool_;
    std::unique_ptr<engine::Context> context_;
  };
  Lease Take();

 private:
  const engine::Twin& twin_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<engine::Context>> free_;
};

}  // namespace pipeline

struct Assessor::Impl {
  // `like`: may be null; else shares its compiled networks where they are the same, as where one of two sees mirrored
  // crops.
  Impl(const Network& the_network, const AssessorOptions& the_options, const Impl* like = nullptr);

  // Whether an assessor of these would be compiled to the same.
  bool CompilesLike(const Network& other, const AssessorOptions& others) const;

  Network network;
  AssessorOptions options;
  Recipe recipe;
  std::optional<Calibration> calibration;  // that fits recipe and preprocessing
  double achieved_sparsity = 0;
  std::shared_ptr<const pipeline::Stochastic> stochastic;  // Method::kStochastic alone
  std::shared_ptr<const engine::Twin> twin;
  std::shared_ptr<pipeline::ContextPool> contexts;
  mutable Helpers helpers;  // for when there are fewer pictures than threads

  pipeline::FaceOptions Faces(FaceSelection selection) const;
  // Runs the crops through the twin, on the helper as well where there is one, and completes their assessments.
  void Assess(engine::Context& context, std::span<pipeline::FaceCandidate* const> candidates, Helper* helper) const;

 private:
  void Score(engine::TwinEmbedding embedding, Assessment& assessment) const;
};

}  // namespace prefiqs

#endif  // PREFIQS_PIPELINE_ASSESSOR_IMPL_H_
