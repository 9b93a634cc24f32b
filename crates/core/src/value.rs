//! Values with bounds and units: what authors write as text and what the tool works with.
