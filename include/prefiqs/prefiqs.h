// Everything. Include this one.
#ifndef PREFIQS_PREFIQS_H_
#define PREFIQS_PREFIQS_H_

#include <prefiqs/assessor.h>
#include <prefiqs/bench.h>
#include <prefiqs/demo.h>
#include <prefiqs/detector.h>
#include <prefiqs/error.h>
#include <prefiqs/evaluation.h>
#include <prefiqs/image.h>
#include <prefiqs/job.h>
#include <prefiqs/network.h>
#include <prefiqs/preprocessing.h>
#include <prefiqs/recipe.h>
#include <prefiqs/version.h>

#endif  // PREFIQS_PREFIQS_H_
