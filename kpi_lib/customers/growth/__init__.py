"""The demand states before and after the sale: conversion, velocity, levers, lift."""
