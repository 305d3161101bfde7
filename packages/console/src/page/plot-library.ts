import type uPlot from 'uplot';

declare global {
  interface Window {
    readonly uPlot: typeof uPlot;
  }
}

/** uPlot as the page loads it: a script of its own, because a browser finds no package by name. */
export const Plotter = window.uPlot;
