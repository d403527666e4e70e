#include "pipeline/software.h"

#include <prefiqs/version.h>

#include "align/library_version.h"
#include "engine/engine_name.h"
#include "image/library_versions.h"

namespace prefiqs::pipeline {

void NameSoftware(ExecutorKind executor, report::RunInfo& run) {
  run.version = version();
  run.engine = engine::EngineName(executor);
  // Joined by what needs no quotes in CSV.
  run.image_libraries = align::LibraryVersion();
  for (const std::string& library : image::LibraryVersions()) run.image_libraries += " + " + library;
}

}  // namespace prefiqs::pipeline
